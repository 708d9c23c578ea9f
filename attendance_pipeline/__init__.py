"""Meeting attendance from Zoom, Webex and Microsoft Teams: pulled, kept, checked, counted."""
