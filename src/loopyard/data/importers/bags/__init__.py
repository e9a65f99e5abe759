"""ROS 1 and ROS 2 bags and MCAP: topics onto one clock."""
