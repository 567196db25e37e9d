"""Files that people send and get: tables read and written."""
