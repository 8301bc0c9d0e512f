"""The operations of part `auth`: sign-in, users, permissions."""

from fastapi import APIRouter

from services.auth import login_endpoints, permission_endpoints, user_endpoints

router = APIRouter()
router.include_router(login_endpoints.router)
router.include_router(user_endpoints.router)
router.include_router(permission_endpoints.router)
