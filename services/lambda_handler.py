"""The APIs on Lambda behind API Gateway: handler ``services.lambda_handler.handler``, its routers by ``FLEETLAKE_API_PARTS``."""

from mangum import Mangum

from runtime import log
from runtime.platforms import current_platform
from runtime.settings import Settings
from services.application import ALL_PARTS, create
from services.composition import Services

_settings = Settings.from_environment()
log.configure(_settings.log_level)
_parts = [part.strip() for part in _settings.api_parts.split(",") if part.strip()]

# Made at import, which Lambda does once for each sandbox and does not bill by the call.
handler = Mangum(create(Services(current_platform(_settings)), _parts or ALL_PARTS), lifespan="off")
