"""Pictures of what networks predict and look at, from arrays to PNG or SVG; nothing here moves a score."""
