"""The APIs on Lambda behind API Gateway: handler ``services.lambda_handler.handler``, its routers by ``FLEETLAKE_API_PARTS``."""

from mangum import Mangum

from runtime import log
from runtime.platforms import current_platform
from runtime.settings import Settings
from services.application import create, parts_of
from services.composition import Services

_settings = Settings.from_environment()
log.configure(_settings.log_level)

# Made at import, which Lambda does once for each sandbox and does not bill by the call.
handler = Mangum(create(Services(current_platform(_settings)), parts_of(_settings)), lifespan="off")
