"""The structs of the C library and the table of its functions."""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_double, c_int32, c_uint32, c_uint64, c_void_p


class RingOptions(Structure):
    """circlet_ring_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("mode", c_uint32),
        ("capacity", c_uint64),
        ("max_message", c_uint32),
        ("overflow", c_uint32),
        ("flags", c_uint32),
        ("permissions", c_uint32),
        ("schema", c_char_p),
    ]


class Frame(Structure):
    """circlet_frame."""

    _fields_ = [("data", c_void_p), ("offset", c_uint32), ("len", c_uint32)]


class RingStats(Structure):
    """circlet_ring_stats."""

    _fields_ = [
        ("capacity_bytes", c_uint64),
        ("used_bytes", c_uint64),
        ("high_water_bytes", c_uint64),
        ("frames_sent", c_uint64),
        ("frames_received", c_uint64),
        ("payload_bytes_sent", c_uint64),
        ("full_events", c_uint64),
        ("dropped", c_uint64),
        ("producer_waits", c_uint64),
        ("consumer_waits", c_uint64),
        ("max_frame", c_uint32),
        ("max_message", c_uint32),
        ("mode", c_uint32),
        ("overflow", c_uint32),
        ("producers", c_uint32),
        ("producer", c_uint32),
        ("consumer", c_uint32),
        ("reserved", c_uint32),
    ]


class ProcessOptions(Structure):
    """circlet_process_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("output", c_uint32),
        ("program", c_char_p),
        ("library", c_char_p),
        ("script", c_char_p),
        ("main", c_char_p),
        ("module_paths", POINTER(c_char_p)),
        ("module_path_count", c_uint32),
        ("output_bytes", c_uint32),
        ("ready_within_ms", c_double),
        ("grace_ms", c_double),
        ("memory", c_uint64),
        ("hard_memory", c_uint64),
        ("tasks", c_uint64),
        ("lifetime_ms", c_double),
    ]


class PoolOptions(Structure):
    """circlet_pool_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("min", c_uint32),
        ("max", c_uint32),
        ("queue", c_uint32),
        ("overflow", c_uint32),
        ("strategy", c_uint32),
        ("flags", c_uint32),
        ("block_ms", c_double),
        ("keep_ms", c_double),
        ("target_wait_ms", c_double),
        ("window_ms", c_double),
        ("name", c_char_p),
        ("processes", POINTER(ProcessOptions)),
    ]


class JobOptions(Structure):
    """circlet_job_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("priority", c_int32),
        ("nodes", c_uint64),
        ("key", c_uint64),
        ("deadline_ms", c_double),
        ("has_key", c_uint32),
        ("flags", c_uint32),
        ("kind", c_char_p),
    ]


class ExecutorOptions(Structure):
    """circlet_executor_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("ring_count", c_uint32),
        ("preload_count", c_uint32),
        ("ready", c_uint32),
        ("ring_names", POINTER(c_char_p)),
        ("rings", POINTER(c_void_p)),
        ("preload", POINTER(c_char_p)),
        ("python", c_char_p),
        ("bun", c_char_p),
        ("policy", c_char_p),
        ("ready_within_ms", c_double),
        ("output_max", c_uint64),
        ("grace_ms", c_double),
        ("kill_ms", c_double),
        ("spin_us", c_double),
        ("recycle_above", c_uint64),
        ("recycle_after", c_uint32),
        ("reserved", c_uint32),
    ]


class RunOptions(Structure):
    """circlet_run_options."""

    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("within_ms", c_double)]


class Event(Structure):
    """circlet_event."""

    _fields_ = [
        ("kind", c_int32),
        ("stream", c_uint32),
        ("number", c_uint64),
        ("body", c_void_p),
        ("len", c_uint64),
        ("bytes", c_void_p),
        ("bytes_len", c_uint64),
    ]


class Answers(Structure):
    """circlet_answers."""

    _fields_ = [("items", c_void_p), ("bytes", c_void_p), ("len", c_uint64), ("block", c_void_p)]


class HeapOptions(Structure):
    """circlet_heap_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("top", c_uint32),
        ("file", c_char_p),
        ("within_ms", c_double),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class Column(Structure):
    """circlet_column."""

    _fields_ = [
        ("name", c_char_p),
        ("numbers", c_void_p),
        ("count", c_uint64),
        ("kind", c_uint32),
        ("reserved", c_uint32),
    ]


_HANDLE = c_void_p
_HANDLE_OUT = POINTER(c_void_p)
# A bytes-like argument goes by its address: an int, or a ctypes array.
_BUFFER = c_void_p

# name: (what it returns, what it takes)
SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "circlet_version": (c_char_p, []),
    "circlet_abi_version": (c_uint32, []),
    "circlet_layout_version": (c_uint32, []),
    "circlet_status_str": (c_char_p, [c_int32]),
    "circlet_last_error": (c_int32, [c_char_p, c_uint32]),
    "circlet_ring_create": (c_int32, [c_char_p, POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_open": (c_int32, [c_char_p, POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_anonymous": (c_int32, [POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_from_fd": (c_int32, [c_int32, POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_export_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_ring_close": (None, [_HANDLE]),
    "circlet_ring_attach": (c_int32, [_HANDLE, c_int32]),
    "circlet_ring_unlink": (c_int32, [_HANDLE]),
    "circlet_ring_detach": (c_int32, [_HANDLE, c_int32]),
    "circlet_ring_set_spin": (c_int32, [_HANDLE, c_int32, c_double]),
    "circlet_ring_send": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double]),
    "circlet_ring_send_part": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double, POINTER(c_uint32)]),
    "circlet_ring_send_many": (c_int32, [_HANDLE, _BUFFER, _BUFFER, c_uint32, c_double]),
    "circlet_ring_claim": (c_int32, [_HANDLE, c_uint32, c_double, POINTER(Frame)]),
    "circlet_ring_commit": (c_int32, [_HANDLE, c_uint32]),
    "circlet_ring_abort": (c_int32, [_HANDLE]),
    "circlet_ring_recv": (c_int32, [_HANDLE, c_double, POINTER(Frame)]),
    "circlet_ring_recv_many": (c_int32, [_HANDLE, POINTER(Frame), c_uint32, c_double]),
    "circlet_ring_release": (c_int32, [_HANDLE]),
    "circlet_ring_memory": (c_int32, [_HANDLE, POINTER(c_void_p), POINTER(c_uint64)]),
    "circlet_ring_schema": (c_int32, [_HANDLE, c_char_p, c_uint32]),
    "circlet_ring_missed": (c_int32, [_HANDLE, POINTER(c_uint64), POINTER(c_uint64)]),
    "circlet_ring_set_overflow": (c_int32, [_HANDLE, c_uint32]),
    "circlet_ring_fd": (c_int32, [_HANDLE, c_int32, POINTER(c_int32)]),
    "circlet_ring_arm": (c_int32, [_HANDLE, c_int32, c_uint32]),
    "circlet_ring_get_stats": (c_int32, [_HANDLE, POINTER(RingStats)]),
    "circlet_page_create": (c_int32, [c_char_p, c_uint32, c_char_p, _HANDLE_OUT]),
    "circlet_page_anonymous": (c_int32, [c_uint32, c_char_p, _HANDLE_OUT]),
    "circlet_page_open": (c_int32, [c_char_p, c_char_p, _HANDLE_OUT]),
    "circlet_page_from_fd": (c_int32, [c_int32, c_char_p, _HANDLE_OUT]),
    "circlet_page_export_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_page_write": (c_int32, [_HANDLE, _BUFFER, c_uint32]),
    "circlet_page_read": (c_int32, [_HANDLE, c_double, POINTER(c_void_p), POINTER(c_uint64)]),
    "circlet_page_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_page_arm": (c_int32, [_HANDLE]),
    "circlet_page_detach": (c_int32, [_HANDLE]),
    "circlet_page_unlink": (c_int32, [_HANDLE]),
    "circlet_page_close": (None, [_HANDLE]),
    "circlet_text_data": (c_char_p, [_HANDLE]),
    "circlet_text_free": (None, [_HANDLE]),
    "circlet_curve_new": (c_int32, [c_char_p, c_char_p, c_uint32, _BUFFER, c_uint32, _HANDLE_OUT]),
    "circlet_curve_new_segments": (c_int32, [c_uint32, _BUFFER, _BUFFER, c_uint32, _HANDLE_OUT]),
    "circlet_curve_new_fit": (c_int32, [c_uint32, _BUFFER, c_uint32, c_double, _HANDLE_OUT]),
    "circlet_curve_new_svg": (c_int32, [c_char_p, _HANDLE_OUT, c_uint32]),
    "circlet_curve_free": (None, [_HANDLE]),
    "circlet_curve_dimensions": (c_int32, [_HANDLE]),
    "circlet_curve_domain": (c_int32, [_HANDLE, _BUFFER]),
    "circlet_curve_knots": (c_int32, [_HANDLE, _BUFFER, c_uint32]),
    "circlet_curve_segments": (c_int32, [_HANDLE, _BUFFER, c_uint32]),
    "circlet_curve_eval": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_eval_f32": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_eval_columns": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_derivative": (c_int32, [_HANDLE, c_uint32, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_derivative_f32": (c_int32, [_HANDLE, c_uint32, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_sample": (c_int32, [_HANDLE, c_uint32, _BUFFER]),
    "circlet_curve_sample_f32": (c_int32, [_HANDLE, c_uint32, _BUFFER]),
    "circlet_curve_sample_columns": (c_int32, [_HANDLE, c_uint32, _BUFFER]),
    "circlet_curve_batch_sample": (c_int32, [_BUFFER, c_uint32, c_uint32, _BUFFER]),
    "circlet_curve_batch_sample_f32": (c_int32, [_BUFFER, c_uint32, c_uint32, _BUFFER]),
    "circlet_curve_bounds": (c_int32, [_HANDLE, _BUFFER]),
    "circlet_curve_tangent": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_normal": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_curvature": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_length": (c_int32, [_HANDLE, c_double, _BUFFER]),
    "circlet_curve_length_to": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double, _BUFFER]),
    "circlet_curve_parameter_at_length": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double, _BUFFER]),
    "circlet_curve_sample_by_length": (c_int32, [_HANDLE, c_uint32, c_double, _BUFFER]),
    "circlet_curve_split": (c_int32, [_HANDLE, c_double, _HANDLE_OUT, _HANDLE_OUT]),
    "circlet_curve_subcurve": (c_int32, [_HANDLE, c_double, c_double, _HANDLE_OUT]),
    "circlet_curve_reversed": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_curve_concat": (c_int32, [_HANDLE, _HANDLE, _HANDLE_OUT]),
    "circlet_curve_nearest": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER, _BUFFER]),
    "circlet_curve_intersections": (c_int32, [_HANDLE, _HANDLE, c_double, _BUFFER, c_uint32]),
    "circlet_curve_flatten": (c_int32, [_HANDLE, c_double, _BUFFER, c_uint32]),
    "circlet_curve_flatten_fewest": (c_int32, [_HANDLE, c_double, _BUFFER, c_uint32]),
    "circlet_curve_flatten_scaled": (c_int32, [_HANDLE, c_double, c_double, _BUFFER, c_uint32]),
    "circlet_curve_offset": (c_int32, [_HANDLE, c_double, c_double, _BUFFER, c_uint32]),
    "circlet_curve_to_svg": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_curve_fit_to_box": (c_int32, [_HANDLE, _BUFFER, c_int32, _BUFFER, _BUFFER]),
    "circlet_curve_transform": (c_int32, [_HANDLE, _BUFFER, _HANDLE_OUT]),
    "circlet_pool_new": (c_int32, [POINTER(PoolOptions), _HANDLE_OUT]),
    "circlet_pool_drain": (c_int32, [_HANDLE, c_double]),
    "circlet_pool_close": (c_int32, [_HANDLE]),
    "circlet_pool_snapshot": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_pool_free": (None, [_HANDLE]),
    "circlet_pool_submit": (c_int32, [_HANDLE, c_void_p, c_void_p, POINTER(JobOptions), POINTER(c_uint64)]),
    "circlet_pool_submit_many": (
        c_int32,
        [_HANDLE, c_void_p, _BUFFER, c_uint32, POINTER(JobOptions), _BUFFER],
    ),
    "circlet_pool_submit_curves": (
        c_int32,
        [_HANDLE, _BUFFER, c_uint32, c_uint32, _BUFFER, POINTER(JobOptions), POINTER(c_uint64)],
    ),
    "circlet_pool_submit_curves_f32": (
        c_int32,
        [_HANDLE, _BUFFER, c_uint32, c_uint32, _BUFFER, POINTER(JobOptions), POINTER(c_uint64)],
    ),
    "circlet_pool_abort": (c_int32, [_HANDLE, POINTER(c_uint64)]),
    "circlet_pool_withdraw": (c_int32, [_HANDLE, POINTER(c_uint64)]),
    "circlet_pool_call": (
        c_int32,
        [_HANDLE, c_char_p, c_uint32, _BUFFER, c_uint64, POINTER(JobOptions), POINTER(c_uint64)],
    ),
    "circlet_pool_call_many": (
        c_int32,
        [_HANDLE, c_char_p, c_uint32, _BUFFER, _BUFFER, c_uint32, POINTER(JobOptions), _BUFFER],
    ),
    "circlet_pool_answers": (c_int32, [_HANDLE, c_uint32, c_double, POINTER(Answers)]),
    "circlet_answers_free": (None, [POINTER(Answers)]),
    "circlet_pool_output": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_pool_heap_submit": (c_int32, [_HANDLE, c_uint32, POINTER(HeapOptions), POINTER(c_uint64)]),
    "circlet_pool_next_many": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double]),
    "circlet_pool_failure": (c_int32, [_HANDLE, POINTER(c_uint64), c_char_p, c_uint32]),
    "circlet_pool_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_pool_arm": (c_int32, [_HANDLE]),
    "circlet_pool_port_open": (c_int32, [_HANDLE, _HANDLE, c_int32, POINTER(c_uint32)]),
    "circlet_pool_port_transfer": (c_int32, [_HANDLE, c_uint32, c_uint32]),
    "circlet_pool_port_close": (c_int32, [_HANDLE, c_uint32]),
    "circlet_pool_ports": (c_int32, [_HANDLE, c_void_p, c_uint32]),
    "circlet_worker_port": (c_int32, [_HANDLE, c_uint32, c_double, _HANDLE_OUT]),
    "circlet_worker_port_back": (c_int32, [_HANDLE, c_uint32, _HANDLE]),
    "circlet_worker_port_transfer": (c_int32, [_HANDLE, c_uint32, c_uint32]),
    "circlet_executor_new": (c_int32, [POINTER(ExecutorOptions), _HANDLE_OUT]),
    "circlet_executor_begin": (c_int32, [_HANDLE, _BUFFER, c_uint64, POINTER(RunOptions)]),
    "circlet_executor_begin_heap_snapshot": (c_int32, [_HANDLE, POINTER(HeapOptions)]),
    "circlet_executor_next": (c_int32, [_HANDLE, c_double, POINTER(Event)]),
    "circlet_executor_take": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_executor_send": (c_int32, [_HANDLE, _BUFFER, c_uint64]),
    "circlet_executor_answer": (c_int32, [_HANDLE, _BUFFER, c_uint64]),
    "circlet_executor_interrupt": (c_int32, [_HANDLE]),
    "circlet_executor_wake": (c_int32, [_HANDLE]),
    "circlet_executor_kill": (c_int32, [_HANDLE]),
    "circlet_executor_restart": (c_int32, [_HANDLE]),
    "circlet_executor_process_id": (c_int32, [_HANDLE]),
    "circlet_executor_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_executor_arm": (c_int32, [_HANDLE]),
    "circlet_executor_free": (None, [_HANDLE]),
    "circlet_session_pool_new": (c_int32, [POINTER(ExecutorOptions), _HANDLE_OUT]),
    "circlet_session_pool_open": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_session_pool_wait": (c_int32, [_HANDLE, c_double]),
    "circlet_session_pool_snapshot": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_session_pool_free": (None, [_HANDLE]),
    "circlet_session_summary": (c_int32, [c_char_p, _HANDLE_OUT]),
    "circlet_session_summary_within": (c_int32, [c_char_p, c_uint64, _HANDLE_OUT]),
    "circlet_tracker_start": (c_int32, [c_char_p, _HANDLE_OUT]),
    "circlet_tracker_patch": (c_int32, [_HANDLE, c_char_p, _HANDLE_OUT]),
    "circlet_tracker_log_api_usage": (c_int32, [_HANDLE, c_char_p]),
    "circlet_tracker_register_worker": (c_int32, [_HANDLE, c_char_p]),
    "circlet_tracker_update_worker": (c_int32, [_HANDLE, c_char_p, c_char_p]),
    "circlet_tracker_snapshot": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_tracker_history": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_tracker_wait_for_project": (c_int32, [_HANDLE, c_double]),
    "circlet_tracker_diff": (c_int32, [_HANDLE, c_uint64, _HANDLE_OUT]),
    "circlet_tracker_watch_ring": (c_int32, [_HANDLE, c_char_p, _HANDLE]),
    "circlet_tracker_watch_pool": (c_int32, [_HANDLE, c_char_p, _HANDLE]),
    "circlet_tracker_watch_executor": (c_int32, [_HANDLE, c_char_p, _HANDLE]),
    "circlet_tracker_watch_session_pool": (c_int32, [_HANDLE, c_char_p, _HANDLE]),
    "circlet_tracker_unwatch": (c_int32, [_HANDLE, c_char_p]),
    "circlet_tracker_watch_hub": (c_int32, [_HANDLE, c_char_p, _HANDLE]),
    "circlet_hub_start": (c_int32, [c_char_p, _HANDLE_OUT]),
    "circlet_hub_addr": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_hub_set": (c_int32, [_HANDLE, c_char_p, c_char_p, c_char_p]),
    "circlet_hub_set_columns": (c_int32, [_HANDLE, c_char_p, c_char_p, POINTER(Column), c_uint32]),
    "circlet_hub_update": (c_int32, [_HANDLE, c_char_p, c_char_p, c_char_p]),
    "circlet_hub_remove": (c_int32, [_HANDLE, c_char_p, c_char_p]),
    "circlet_hub_emit": (c_int32, [_HANDLE, c_char_p, c_char_p, c_char_p, POINTER(c_uint64)]),
    "circlet_hub_follow_ring": (c_int32, [_HANDLE, c_char_p, c_char_p]),
    "circlet_hub_follow_session": (c_int32, [_HANDLE, c_char_p, c_char_p]),
    "circlet_hub_stats": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_hub_troubles": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_hub_stop": (c_int32, [_HANDLE, c_double]),
    "circlet_hub_free": (None, [_HANDLE]),
    "circlet_session_read": (c_int32, [c_char_p, _HANDLE_OUT]),
    "circlet_tracker_free": (None, [_HANDLE]),
    "circlet_block_free": (None, [_HANDLE]),
    "circlet_simplify": (c_int32, [c_uint32, _BUFFER, c_uint32, c_double, _BUFFER, c_uint32]),
}
