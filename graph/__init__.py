"""The face: one file per noun, and under `server/` how bytes move. Imports `models`, and of `sync` only its door."""
