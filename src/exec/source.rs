//! The Python package's sources, which a worker gets from here.

/// Names modules and their sources, each with a zero at its end, for C.
macro_rules! sources {
    ($($name:literal $file:literal)*) => {
        [$(($name, concat!(include_str!(concat!("../../python/circlet/", $file)), "\0"))),*]
    };
}

/// The modules of the package.
const MODULES: &[(&str, &str)] = &sources! {
    "circlet" "__init__.py"
    "circlet._arguments" "_arguments.py"
    "circlet._call_line" "_call_line.py"
    "circlet._called" "_called.py"
    "circlet._closing" "_closing.py"
    "circlet._curve_drawing" "_curve_drawing.py"
    "circlet._curve_handle" "_curve_handle.py"
    "circlet._curve_points" "_curve_points.py"
    "circlet._executor_options" "_executor_options.py"
    "circlet._hub_options" "_hub_options.py"
    "circlet._native" "_native.py"
    "circlet._numbers" "_numbers.py"
    "circlet._options" "_options.py"
    "circlet._pool_future" "_pool_future.py"
    "circlet._pool_line" "_pool_line.py"
    "circlet._pool_options" "_pool_options.py"
    "circlet._pool_ports" "_pool_ports.py"
    "circlet._run" "_run.py"
    "circlet._run_line" "_run_line.py"
    "circlet._table" "_table.py"
    "circlet._texts" "_texts.py"
    "circlet._waiting" "_waiting.py"
    "circlet.curve" "curve.py"
    "circlet.executor" "executor.py"
    "circlet.hub" "hub.py"
    "circlet.job" "job.py"
    "circlet._pool_heap" "_pool_heap.py"
    "circlet._pool_late" "_pool_late.py"
    "circlet.outcome" "outcome.py"
    "circlet.page" "page.py"
    "circlet.pool" "pool.py"
    "circlet.process_pool" "process_pool.py"
    "circlet.ring" "ring.py"
    "circlet.session" "session.py"
    "circlet.session_pool" "session_pool.py"
    "circlet.session_payload" "session_payload.py"
    "circlet.session_tracker" "session_tracker.py"
    "circlet._session_input" "_session_input.py"
    "circlet._session_late" "_session_late.py"
    "circlet._session_look" "_session_look.py"
    "circlet._session_probes" "_session_probes.py"
    "circlet._session_shown" "_session_shown.py"
    "circlet._session_watched" "_session_watched.py"
};

/// Returns the source of a module with a zero at its end.
pub fn source_of(module: &str) -> Option<&'static str> {
    MODULES.iter().find(|(name, _)| *name == module).map(|(_, source)| *source)
}
