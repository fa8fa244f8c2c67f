"""What the actuator may say and what it obeys."""

from typing import Final

from core.common import COMMON_COMMANDS, COMMON_EVENTS
from schemas.alarms import AlarmRepeated
from schemas.delivery import (
    BasalDelivered,
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStarted,
    BolusStopped,
    CancelBolus,
    DeliveryGap,
    DeliveryLimitsRefused,
    DeliveryLimitsSet,
    SetDeliveryLimits,
)
from schemas.doubt import (
    AcceptPumpCount,
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
    OrderNotBelieved,
    PumpCountAccepted,
    PumpCountRefused,
    PumpDoubted,
    SettleDose,
    SettlementRefused,
)
from schemas.mechanism import (
    BasalMissed,
    ClearPumpFault,
    FaultClearRequested,
    MechanismRefused,
    MotorRanUnasked,
    OcclusionReleased,
    PrimePump,
    PrimeRequested,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.message import Command, Event
from schemas.plans import BasalPlanAccepted, BasalPlanLoaded, BasalPlanRefused
from schemas.pump import (
    DeliveryCommandRefused,
    DeliveryResumed,
    DeliverySuspended,
    FillReservoir,
    PumpChallenged,
    PumpControlLost,
    PumpFound,
    PumpLost,
    ReservoirFilled,
    ReservoirFillRequested,
    ResumeDelivery,
    ResumeRequested,
    SuspendDelivery,
    SuspendRequested,
)

DELIVERY_SAYS: Final[tuple[type[Event], ...]] = (
    *COMMON_EVENTS,
    AlarmRepeated,
    DeliveryLimitsSet,
    DeliveryLimitsRefused,
    BolusRefused,
    BolusStarted,
    BolusProgressed,
    BolusDelivered,
    BolusStopped,
    BolusUnknown,
    BolusReconciled,
    BolusCancelled,
    BasalDelivered,
    BasalPlanAccepted,
    BasalPlanRefused,
    BasalPlanLoaded,
    DeliveryGap,
    SuspendRequested,
    ResumeRequested,
    DeliverySuspended,
    DeliveryResumed,
    DeliveryCommandRefused,
    ReservoirFillRequested,
    ReservoirFilled,
    PumpLost,
    PumpFound,
    PumpControlLost,
    PumpChallenged,
    OrderNotBelieved,
    DoseSettled,
    SettlementRefused,
    PumpDoubted,
    PumpCountAccepted,
    PumpCountRefused,
    PumpFaulted,
    PumpFaultCleared,
    FaultClearRequested,
    OcclusionReleased,
    PrimeRequested,
    PumpPrimed,
    MotorRanUnasked,
    BasalMissed,
    MechanismRefused,
)
"""[-] events of the actuator."""

DELIVERY_OBEYS: Final[tuple[type[Command], ...]] = (
    *COMMON_COMMANDS,
    SetDeliveryLimits,
    CancelBolus,
    SettleDose,
    AcceptPumpCount,
    ClearPumpFault,
    PrimePump,
    SuspendDelivery,
    ResumeDelivery,
    FillReservoir,
)
"""[-] commands to the actuator."""
