"""Login stage: requires the emailed code only from users who gave an address at sign-up."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.stages import EmailVerificationStage

from accounts.selectors import is_verified_by_another, needs_email_verification


class VerifyEmailIfGiven(EmailVerificationStage):  # type: ignore[misc]
    """allauth offers only mandatory verification for all users, or none."""

    def handle(self) -> tuple[Any, bool]:
        user = self.login.user
        # No user: a sign-up with an address of another account. allauth shows the same pages to the end.
        if user is not None and (not needs_email_verification(user) or self.came_by_reset_link()):
            return None, True
        if user is not None and is_verified_by_another(user):
            # Likewise at a later login: this account asks for a code that was never sent.
            self.login.user, self.login.email = None, user.email
        answer: tuple[Any, bool] = super().handle()
        return answer

    def came_by_reset_link(self) -> bool:
        """A password set by link proves the address, or the administrator handed the link over."""
        records = get_authentication_records(self.request, self.login.user)
        return any(record["method"] == "password_reset" for record in records)
