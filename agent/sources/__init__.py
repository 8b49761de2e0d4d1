"""Look at the machine and return observations; wake-up hints only make a look come early."""
