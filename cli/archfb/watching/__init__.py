"""The live watch: what is seen each second, how it is shown, and the probes that it makes meanwhile."""
