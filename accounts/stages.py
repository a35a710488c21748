"""One step of a log-in, as we want it: the mailed code is asked of those who gave an address, and of nobody else."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.stages import EmailVerificationStage

from accounts.selectors import needs_address_proof


class ProveGivenAddress(EmailVerificationStage):  # type: ignore[misc]
    """allauth knows only "everybody proves an address" or "nobody does"."""

    def handle(self) -> tuple[Any, bool]:
        # Without a user this is a sign-up with somebody else's address: it must look the same, so allauth plays it to the end.
        if self.login.user is not None and (not needs_address_proof(self.login.user) or self.came_by_link()):
            return None, True
        answer: tuple[Any, bool] = super().handle()
        return answer

    def came_by_link(self) -> bool:
        """Whoever chose a password by a link has read that address's mail, or the administrator vouches for them."""
        records = get_authentication_records(self.request, self.login.user)
        return any(record["method"] == "password_reset" for record in records)
