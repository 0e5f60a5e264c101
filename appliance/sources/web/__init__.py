"""http:// and https://: Motion JPEG, HLS, video files and pictures, each fetched within bounds."""
