"""The studio's page: routes over a session, and what keeps strangers out."""
