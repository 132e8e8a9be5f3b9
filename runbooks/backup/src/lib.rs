//! Backups of a database, whole and read back: what is in one, how it is made, checked and restored.
