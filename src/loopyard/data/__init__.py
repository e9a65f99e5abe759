"""Episodes on disk: recording, LeRobot v3.0 in and out, the frame cache, samples and the audit."""
