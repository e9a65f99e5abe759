"""What only some scenes have: terrain, hazards, things that move, light, difficult bricks."""
