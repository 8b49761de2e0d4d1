"""Health conditions as data; the status document, its writer and its one reader."""
