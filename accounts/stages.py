"""One step of a log-in, as we want it: the mailed code is asked of those who gave an address, and of nobody else."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.stages import EmailVerificationStage

from accounts.selectors import is_verified_by_another, needs_email_verification


class VerifyEmailIfGiven(EmailVerificationStage):  # type: ignore[misc]
    """allauth knows only "everybody proves an address" or "nobody does"."""

    def handle(self) -> tuple[Any, bool]:
        user = self.login.user
        # Without a user this is a sign-up with somebody else's address: it must look the same, so allauth plays it to the end.
        if user is not None and (not needs_email_verification(user) or self.came_by_reset_link()):
            return None, True
        if user is not None and is_verified_by_another(user):
            # The same later: an account that was made with somebody else's address asks for a code that was never sent.
            self.login.user, self.login.email = None, user.email
        answer: tuple[Any, bool] = super().handle()
        return answer

    def came_by_reset_link(self) -> bool:
        """Whoever chose a password by a link has read that address's mail, or the administrator vouches for them."""
        records = get_authentication_records(self.request, self.login.user)
        return any(record["method"] == "password_reset" for record in records)
