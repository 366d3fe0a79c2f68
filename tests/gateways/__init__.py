"""Both payment plugins under the core, against the sandbox as a process."""
