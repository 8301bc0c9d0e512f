"""USERS AND PERMISSIONS: sign-in by Cognito, tokens, roles, grants and denials, and the trail of their changes."""
