//! How values and figures of a session's code are shown. With a real Python, and the packages of the Python suite's environment.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::time::Instant;

use circlet::exec::{Event, Executor, Outcome, RunOptions};
use circlet::shm::Deadline;
use serde_json::{Value, json};

use sessions::LONG;

struct Python(Executor);

impl Python {
    /// Starts a session whose interpreter has matplotlib and IPython.
    fn furnished() -> Self {
        let builder = Executor::builder().library(common::library()).python(common::python());
        Self(builder.start().unwrap())
    }

    fn bare() -> Self {
        Self(Executor::builder().library(common::library()).start().unwrap())
    }

    /// Runs code to its end, and returns what it has shown.
    fn shown(&mut self, code: &str) -> (Vec<Value>, Outcome) {
        let session = self.0.session().unwrap();
        session.begin(code, RunOptions::new()).unwrap();
        let mut shown = Vec::new();
        loop {
            match session.next(Deadline::after(LONG)).unwrap().expect("something comes") {
                Event::Display(data) => shown.push(data),
                Event::End(outcome) => return (shown, *outcome),
                _ => {}
            }
        }
    }
}

fn is_png(data: &Value) -> bool {
    data["image/png"].as_str().is_some_and(|text| text.starts_with("iVBORw0KGgo"))
}

#[test]
fn open_figures_are_shown_once_at_the_end_of_the_run_and_closed() {
    let mut python = Python::furnished();
    let code = "import matplotlib\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure()\nplt.plot([3])\nmatplotlib.get_backend().lower()";
    let (shown, outcome) = python.shown(code);
    assert_eq!((outcome.error, outcome.value), (None, Some(json!("agg"))));
    assert!(shown.len() == 2 && shown.iter().all(is_png), "{shown:?}");
    assert!(shown[0]["text/plain"].as_str().unwrap().starts_with("<Figure size"), "{shown:?}");
    let (shown, outcome) = python.shown("plt.get_fignums()");
    assert_eq!((shown.len(), outcome.value), (0, Some(json!([]))));
    assert_eq!(python.shown("import os; 'MPLBACKEND' in os.environ").1.value, Some(json!(false)));
}

#[test]
fn show_shows_at_once_and_a_figure_that_is_the_value_is_not_shown_twice() {
    let mut python = Python::furnished();
    let code = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\nprint(plt.get_fignums())\nplt.plot([2]); None";
    let (shown, outcome) = python.shown(code);
    assert!(shown.len() == 2 && shown.iter().all(is_png), "{shown:?}");
    assert_eq!(outcome.error, None);
    let (shown, outcome) = python.shown("figure, axes = plt.subplots()\nfigure");
    assert!(shown.is_empty() && is_png(&Value::Object(outcome.data)), "{shown:?}");
    let (shown, outcome) = python.shown("plt.plot([1])\n1 / 0");
    assert!(shown.len() == 1 && outcome.error.unwrap().kind == "ZeroDivisionError", "{shown:?}");
}

#[test]
fn a_backend_that_the_code_has_chosen_is_left_alone() {
    let mut python = Python::furnished();
    let code = "import os\nos.environ['MPLBACKEND'] = 'svg'\nimport matplotlib.pyplot as plt\nplt.plot([1])\n[plt.get_backend().lower(), os.environ['MPLBACKEND']]";
    let (shown, outcome) = python.shown(code);
    assert_eq!((shown.len(), outcome.value), (0, Some(json!(["svg", "svg"]))));
    assert_eq!(python.shown("len(plt.get_fignums())").1.value, Some(json!(1)));
}

#[test]
fn display_is_a_builtin_and_so_it_is_in_ipython() {
    let mut python = Python::furnished();
    let code = "
class Shown:
    def _repr_html_(self): return '<b>x</b>'
    def __repr__(self): return 'shown'
display(Shown(), 'text')
from IPython.display import display as other, HTML
other(HTML('<i>y</i>'))
display({'text/plain': 'raw', 'image/png': b'\\x89PNG'}, raw=True)";
    let (shown, outcome) = python.shown(code);
    assert_eq!(outcome.error, None);
    assert_eq!(shown[0], json!({"text/plain": "shown", "text/html": "<b>x</b>"}));
    assert_eq!(shown[1], json!({"text/plain": "'text'"}));
    assert_eq!(shown[2]["text/html"], json!("<i>y</i>"));
    assert_eq!(shown[3], json!({"text/plain": "raw", "image/png": "iVBORw=="}));
}

#[test]
fn a_bundle_is_made_with_what_is_wanted_and_never_has_more() {
    let mut python = Python::bare();
    let code = r"
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        said.append([include, exclude])
        return {'text/html': 'h', 'text/\ud800': 'odd', 'application/x': [1]}, {'of': 'no use'}
    def _repr_latex_(self): return '$l$'
said = []
display(Bundle())
display(Bundle(), include=['text/html'])
display(Bundle(), exclude=['text/html', 'text/plain', 'text/\ud800'])
said";
    let (shown, outcome) = python.shown(code);
    assert_eq!(outcome.error, None);
    let mut odd = shown[0].clone();
    odd.as_object_mut().unwrap().remove("text/plain");
    let wanted = json!({"text/html": "h", r"text/\ud800": "odd", "application/x": [1], "text/latex": "$l$"});
    assert_eq!(odd, wanted);
    assert_eq!(shown[1], json!({"text/html": "h"}));
    assert_eq!(shown[2], json!({"application/x": [1], "text/latex": "$l$"}));
}

#[test]
fn what_is_shown_or_sent_between_two_runs_is_refused_and_ends_no_session() {
    let mut python = Python::bare();
    let marker = common::scratch("session-late").join("said");
    let code = format!(
        "
import threading
from circlet.session import send
def late():
    try:
        while True: send(b'late')
    except RuntimeError as error:
        open({marker:?}, 'w').write(str(error))
thread = threading.Thread(target=late)
thread.start()"
    );
    python.shown(&code);
    let deadline = Instant::now() + LONG;
    while fs::read_to_string(&marker).is_ok_and(|said| said.is_empty()) || !marker.exists() {
        assert!(Instant::now() < deadline, "waited for too long");
        std::thread::yield_now();
    }
    assert!(fs::read_to_string(&marker).unwrap().contains("no run is under way"));
    assert_eq!(python.shown("1").1.value, Some(json!(1)));
    assert_eq!(python.shown("send('text')").1.error.unwrap().kind, "TypeError");
}

#[test]
fn arrays_of_numpy_come_in_c_order_whatever_theirs_is_and_bytes_become_arrays_without_a_copy() {
    let mut python = Python::furnished();
    let code =
        "import numpy\narray = numpy.arange(6, dtype='<u2').reshape(2, 3)\narray.setflags(write=False)\n";
    let c_order: Vec<u8> = (0..6_u16).flat_map(u16::to_le_bytes).collect();
    for view in ["array", "numpy.asfortranarray(array)", "numpy.repeat(array, 2, 0)[::2]"] {
        let bytes = python.shown(&format!("{code}{view}")).1.bytes.unwrap();
        assert_eq!((bytes.shape, bytes.content), (vec![2, 3], c_order.clone()), "{view}");
    }
    python.0.session().unwrap().send(&c_order).unwrap();
    let code = "from circlet.session import receive\nnumpy.frombuffer(receive(), '<u2').tolist()";
    assert_eq!(python.shown(code).1.value, Some(json!([0, 1, 2, 3, 4, 5])));
}
