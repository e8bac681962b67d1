"""Having `archfb health` run by itself: a line in the crontab, or a timer of the user's systemd."""
