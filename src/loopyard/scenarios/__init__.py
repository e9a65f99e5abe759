"""Families of scenes, and the suites that policies are chosen and judged on."""
