"""Pure rules of the central endpoint: no I/O, no clock, no database. Times are Unix seconds unless a name says otherwise."""
