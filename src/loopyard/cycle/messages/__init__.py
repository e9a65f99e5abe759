"""The five roles and what they tell each other: checked, kept once, then sent."""
