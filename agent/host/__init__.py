"""The whole surface of the operating system: files, users, processes, permissions. OS errors are translated here."""
