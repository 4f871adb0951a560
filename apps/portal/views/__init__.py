"""Pages of the portal, one module per page or group of pages."""
