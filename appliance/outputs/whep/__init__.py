"""WHEP: browsers and players watch what an encoder makes anyway, by WebRTC (aiortc)."""
