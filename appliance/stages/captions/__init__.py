"""What is said, drawn over the finished composite."""
