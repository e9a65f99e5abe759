"""`vla`: a vision-language backbone, adapters in it, and a head that reads actions off it."""
