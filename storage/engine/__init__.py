"""The database server and the query shapes: connection, indexes, batches, pages, scans."""
