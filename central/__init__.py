"""The central endpoint: receives the reports of all devices, answers the help desk, feeds the SOC."""
