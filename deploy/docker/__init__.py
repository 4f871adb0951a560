"""What runs inside the containers beside Tollgate itself."""
