"""The empty room, learnt while the appliance runs: evidence for the matte, and true colours."""
