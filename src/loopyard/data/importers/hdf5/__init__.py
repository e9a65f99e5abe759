"""Recordings in HDF5: ALOHA's, robomimic's and those of a Mobile VLA."""
