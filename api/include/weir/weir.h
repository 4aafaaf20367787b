// SPDX-License-Identifier: Apache-2.0
// Everything a Weir program writes against, but for the connectors in <weir/connectors/...>.
#pragma once

#include <weir/aggregates.h>
#include <weir/arguments.h>
#include <weir/broadcast_functions.h>
#include <weir/broadcast_stream.h>
#include <weir/connector.h>
#include <weir/data_stream.h>
#include <weir/execution_settings.h>
#include <weir/functions.h>
#include <weir/keyed_stream.h>
#include <weir/operator_state.h>
#include <weir/output_tag.h>
#include <weir/state.h>
#include <weir/stream_execution_environment.h>
#include <weir/watermark_strategy.h>
#include <weir/window.h>
#include <weir/windowed_stream.h>

#include "types/record.h"
#include "types/text.h"
#include "types/type_info.h"
