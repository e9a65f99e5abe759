"""Is the dataset whole? Its files, what they say of each other, its rows, its episodes."""
