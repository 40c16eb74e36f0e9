"""What every widget shares: its protocol, its page, pictures as PNG and SVG."""
