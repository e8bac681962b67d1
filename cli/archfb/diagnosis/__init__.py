"""What `archfb doctor` looks at: each function yields findings, and changes nothing."""
