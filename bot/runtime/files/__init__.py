"""Files that people send and receive: tables, read and written."""
