//! The shm part.
