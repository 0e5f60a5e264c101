"""What a picture is and how it is handed on: frames, buffers, GStreamer, mailboxes."""
