"""The command line: one small file a group of commands; what they call is imported when they run."""
