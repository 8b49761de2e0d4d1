"""One file per destination behind one port."""
