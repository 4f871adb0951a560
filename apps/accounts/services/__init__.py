"""What changes accounts. Callers name the `actor`; each service writes its audit row in its transaction."""

from apps.accounts.services.closing import close_account, require_closable
from apps.accounts.services.invitations import (
    accept_invitation,
    invite_member,
    revoke_invitation,
)
from apps.accounts.services.members import add_member, change_role, remove_member
from apps.accounts.services.organizations import (
    create_organization,
    create_sandbox_organization,
    set_api_tier,
    update_organization,
)
from apps.accounts.services.platform_plans import set_platform_plan
from apps.accounts.services.test_clock import (
    Step,
    StepTaken,
    advance_clock,
    get_clock_jump,
    take_clock_step,
)
from apps.accounts.services.tokens import (
    IssuedToken,
    create_platform_token,
    create_service_token,
    revoke_service_token,
)
from apps.accounts.services.users import (
    create_staff_user,
    deactivate_user,
    reactivate_user,
    update_profile,
)
from apps.accounts.services.verification import verify_provider, withdraw_verification
from apps.accounts.services.workspaces import create_workspace, rename_workspace

__all__ = (
    "IssuedToken",
    "Step",
    "StepTaken",
    "accept_invitation",
    "add_member",
    "advance_clock",
    "change_role",
    "close_account",
    "create_organization",
    "create_platform_token",
    "create_sandbox_organization",
    "create_service_token",
    "create_staff_user",
    "create_workspace",
    "deactivate_user",
    "get_clock_jump",
    "invite_member",
    "reactivate_user",
    "remove_member",
    "rename_workspace",
    "require_closable",
    "revoke_invitation",
    "revoke_service_token",
    "set_api_tier",
    "set_platform_plan",
    "take_clock_step",
    "update_organization",
    "update_profile",
    "verify_provider",
    "withdraw_verification",
)
