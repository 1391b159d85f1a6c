"""Plants faults in vmgen, one at a time, and names those that no test sees."""
