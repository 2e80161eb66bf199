"""Settings that gunicorn reads from its working directory."""

bind = "0.0.0.0:8000"
workers = 2
# Workers touch a file to show that they live. /dev/shm is there, in memory, even if the root file system is read-only.
worker_tmp_dir = "/dev/shm"
