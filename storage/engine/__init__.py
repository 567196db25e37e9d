"""The server and the shapes of queries: connection, indexes, batches, pages, scans."""
