//! What a curve is to C: one of as many dimensions as it was made of.

use super::super::call::Failure;
use super::super::status::circlet_status;
use super::form::Form;
use crate::curve::PiecewiseCubic;

/// A curve of 1 to 4 dimensions. It never changes, so that any number of threads may use it at once.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_curve(pub(super) Shape);

/// What is a curve of one of the numbers of dimensions.
pub(super) trait Shaped: Sized + Into<circlet_curve> {
    /// Returns the curve if it has this number of dimensions.
    fn of(curve: &circlet_curve) -> Option<&Self>;
}

/// The numbers of dimensions that C has, with a variant for each.
macro_rules! shapes {
    ($($name:ident $dimensions:literal)*) => {
        #[derive(Debug)]
        pub(super) enum Shape {
            $($name(Form<$dimensions>),)*
        }

        impl circlet_curve {
            pub(super) fn dimensions(&self) -> i32 {
                match &self.0 {
                    $(Shape::$name(_) => $dimensions,)*
                }
            }
        }

        $(
            impl From<Form<$dimensions>> for circlet_curve {
                fn from(curve: Form<$dimensions>) -> Self {
                    Self(Shape::$name(curve))
                }
            }

            impl From<PiecewiseCubic<$dimensions>> for circlet_curve {
                fn from(curve: PiecewiseCubic<$dimensions>) -> Self {
                    Form::from(curve).into()
                }
            }

            impl Shaped for Form<$dimensions> {
                fn of(curve: &circlet_curve) -> Option<&Self> {
                    if let Shape::$name(curve) = &curve.0 { Some(curve) } else { None }
                }
            }
        )*
    };
}
shapes!(Line 1 Plane 2 Space 3 Four 4);

/// Does the same with a curve of any number of dimensions.
macro_rules! with {
    ($curve:expr, $name:ident => $body:expr) => {
        match &$curve.0 {
            $crate::capi::curve::shape::Shape::Line($name) => $body,
            $crate::capi::curve::shape::Shape::Plane($name) => $body,
            $crate::capi::curve::shape::Shape::Space($name) => $body,
            $crate::capi::curve::shape::Shape::Four($name) => $body,
        }
    };
}

/// Gives the same for a number of dimensions, as the constant of a name, or refuses the number.
macro_rules! in_dimensions {
    ($dimensions:expr, $name:ident => $body:expr) => {
        match $dimensions {
            1 => {
                const $name: usize = 1;
                $body
            }
            2 => {
                const $name: usize = 2;
                $body
            }
            3 => {
                const $name: usize = 3;
                $body
            }
            4 => {
                const $name: usize = 4;
                $body
            }
            given => {
                return Err($crate::capi::call::Failure::invalid(format!(
                    "dimensions is {given}: give 1 to 4"
                )))
            }
        }
    };
}
pub(super) use {in_dimensions, with};

impl circlet_curve {
    /// Returns a curve of the plane; of any other, says what only those do.
    pub(super) fn plane(&self, what: &str) -> Result<&Form<2>, Failure> {
        Form::of(self).ok_or_else(|| {
            let message = format!("curve has {}: only a curve of the plane, of 2, {what}", self.in_words());
            Failure::new(circlet_status::CIRCLET_BAD_CURVE, message)
        })
    }

    /// Returns a curve of as many dimensions as another; `names` are what the two are called.
    pub(super) fn like<C: Shaped>(&self, other: &Self, names: [&str; 2]) -> Result<&C, Failure> {
        C::of(self).ok_or_else(|| {
            let ([name, beside], own, others) = (names, self.in_words(), other.in_words());
            let message = format!("{name} has {own} and {beside} {others}: give curves of the same");
            Failure::new(circlet_status::CIRCLET_BAD_CURVE, message)
        })
    }

    fn in_words(&self) -> String {
        match self.dimensions() {
            1 => "1 dimension".into(),
            more => format!("{more} dimensions"),
        }
    }
}
