"""The roof: settings, URLs and server entry points. Holds no logic; nobody imports it."""
