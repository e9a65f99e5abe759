"""The supervisor: starts a campaign's runner, and starts it again where it died or got stuck."""
